# lipwright in a container: every command of the command line.
#
#   docker build -t lipwright .                                            dub, measure, repair, prepare
#   docker build -t lipwright:train --build-arg EXTRAS=[train] .           and train, on a CPU
#   docker build -t lipwright:gpu --build-arg EXTRAS=[train] --build-arg TORCH=torch .   and train, on NVIDIA GPUs
#
#   docker run --rm --user "$(id -u)" -v "$PWD:/work" lipwright dub talk.mp4 speech.wav -o out.mp4
#   docker run --rm --user "$(id -u)" --gpus all -v "$PWD:/work" lipwright:gpu train expert --data prepared -o runs/expert
FROM python:3.11-slim

ARG EXTRAS=""
# The version of constraints.txt is one that runs on every CPU; the newest brings the libraries for GPUs.
ARG TORCH="torch==2.13.0"

ENV LIPWRIGHT_CACHE=/opt/lipwright
WORKDIR /src
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY src ./src
RUN if [ "$TORCH" = torch ]; then sed -i '/^torch==/d' constraints.txt; fi \
    && pip install --no-cache-dir -c constraints.txt ".$EXTRAS" \
    && lipwright models pull \
    && chmod -R a+rX "$LIPWRIGHT_CACHE"

WORKDIR /work
ENTRYPOINT ["lipwright"]
