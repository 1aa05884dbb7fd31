# The operator's `stockstream` in a container, for those who have neither uv nor Python 3.13:
#   docker build --tag stockstream .
#   docker run --rm --volume ~/.aws:/home/operator/.aws:ro --env AWS_REGION stockstream query --stack NAME
FROM python:3.13-slim AS build
WORKDIR /source
RUN python -m venv /opt/stockstream
COPY requirements/operate.txt requirements/
RUN /opt/stockstream/bin/pip install --no-cache-dir --require-hashes --requirement requirements/operate.txt
COPY pyproject.toml LICENSE README.md ./
COPY layers layers
COPY operate operate
COPY local local
COPY dashboards dashboards
RUN /opt/stockstream/bin/pip install --no-cache-dir --no-deps .

FROM python:3.13-slim
COPY --from=build /opt/stockstream /opt/stockstream
RUN useradd --create-home operator
USER operator
# Here a command finds and leaves files: mount a folder to keep them.
WORKDIR /home/operator
ENTRYPOINT ["/opt/stockstream/bin/stockstream"]
CMD ["--help"]
