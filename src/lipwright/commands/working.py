"""What a process at work for the server runs: a task of `lipwright.web.worker`, with the commands of this package."""

from lipwright.commands import VERBS
from lipwright.web import worker

if __name__ == "__main__":
    worker.main(VERBS)
