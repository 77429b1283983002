# The worker and every other command, without torch: what `make demo` installs, and no more.
#   docker build -t tocsin .
#   docker run --rm tocsin --help
# With what `tocsin retrain schedule` needs, torch among it:
#   docker build --target trainer -t tocsin-train .

FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/tocsin
# The exact versions first: this layer is built anew when they change, and not for each change of the code.
COPY requirements.txt requirements-dev.txt ./
RUN /opt/tocsin/bin/pip install --no-cache-dir --disable-pip-version-check -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY streams streams
COPY models models
COPY retrain retrain
COPY exporters exporters
COPY domains domains
RUN /opt/tocsin/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps .

FROM build AS build-trainer
# An extra's versions are the tests' own.
RUN /opt/tocsin/bin/pip install --no-cache-dir --disable-pip-version-check -c requirements-dev.txt ".[train]"

FROM python:3.11-slim AS base
RUN useradd --system --uid 10001 --user-group --home-dir /var/lib/tocsin --create-home tocsin
# All that is written goes to /var/lib/tocsin (a volume) and /tmp, so that the rest may be mounted read-only.
# Within the container the metrics listen on every interface, since a published port comes from outside of it; publish
# it on 127.0.0.1 (docker-compose.yml does).
ENV PATH=/opt/tocsin/bin:$PATH \
    HOME=/var/lib/tocsin \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TOCSIN_MODEL__REGISTRY=/var/lib/tocsin/registry \
    TOCSIN_MODEL__CACHE=/var/lib/tocsin/cache \
    TOCSIN_WORKER__DATA_DIR=/var/lib/tocsin/worker \
    TOCSIN_RETRAIN__DATA_DIR=/var/lib/tocsin/retrain \
    TOCSIN_METRICS__HOST=0.0.0.0 \
    TOCSIN_METRICS__PORT=9464 \
    TOCSIN_LOG__FORMAT=json
WORKDIR /var/lib/tocsin
# By number, so that Kubernetes can see that it is not root (runAsNonRoot).
USER 10001:10001
VOLUME /var/lib/tocsin
EXPOSE 9464
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"TOCSIN_METRICS__PORT\"]}/healthz', timeout=4).close()"]
ENTRYPOINT ["tocsin"]
CMD ["worker"]

FROM base AS trainer
COPY --from=build-trainer /opt/tocsin /opt/tocsin
CMD ["retrain", "schedule"]

# The last stage is what is built where no target is named.
FROM base AS worker
COPY --from=build /opt/tocsin /opt/tocsin
