# lipwright in a container: every command of the command line.
#
#   docker build -t lipwright .                                            dub, measure, repair, prepare
#   docker build -t lipwright:train --build-arg EXTRAS=[train] .           and train, on a CPU
#   docker build -t lipwright:web --build-arg EXTRAS=[voices,web,c2pa] .   and the studio, voices, signatures
# On NVIDIA GPUs: Dockerfile.gpu.
#
#   docker run --rm --user "$(id -u)" -v "$PWD:/work" lipwright dub talk.mp4 speech.wav -o out.mp4
#   docker run --rm --user "$(id -u)" -p 127.0.0.1:8765:8765 -v "$PWD:/work" lipwright:web serve --host 0.0.0.0
FROM python:3.11-slim

ARG EXTRAS=""

ENV LIPWRIGHT_CACHE=/opt/lipwright
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src ./src
RUN pip install --no-cache-dir -c constraints.txt ".$EXTRAS" \
    && lipwright models pull \
    && chmod -R a+rX "$LIPWRIGHT_CACHE"

WORKDIR /work
ENTRYPOINT ["lipwright"]
