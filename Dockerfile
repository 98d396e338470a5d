# docker build --tag support-gateway .
#
# The demo, with no file and no key:
#   docker run --rm --network host support-gateway demo
# A folder that `gateway init` wrote (compose.yaml does the same, and keeps the record in a volume):
#   docker run --env-file site/.env --publish 127.0.0.1:8080:8080 --user "$(id -u)" --volume "$PWD/site:/srv/gateway" support-gateway

FROM python:3.11-slim-bookworm AS build
WORKDIR /build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 UV_LINK_MODE=copy UV_NO_CACHE=1
COPY requirements-build.txt requirements.txt ./
# uv and hatchling live in this stage; the second environment, which moves on, holds what runs and nothing else.
# The locks are complete and hashed: nothing is resolved, and nothing of a dependency runs while it is installed.
RUN pip install --no-cache-dir --no-deps --only-binary :all: --require-hashes --requirement requirements-build.txt \
    && python -m venv --without-pip /opt/gateway \
    && uv pip install --python /opt/gateway/bin/python --compile-bytecode \
        --no-deps --only-binary :all: --require-hashes --requirement requirements.txt
COPY . .
RUN uv build --wheel --no-build-isolation --offline --out-dir /tmp/dist \
    && uv pip install --python /opt/gateway/bin/python --compile-bytecode --no-deps --offline /tmp/dist/*.whl

FROM python:3.11-slim-bookworm
COPY --from=build /opt/gateway /opt/gateway
RUN useradd --system --uid 10001 --user-group --home-dir /srv/gateway --shell /usr/sbin/nologin gateway \
    && install --directory --owner gateway --group gateway /srv/gateway /data
# In a container the loopback address is nobody else's, so it listens on all; who may connect is decided outside.
ENV PATH="/opt/gateway/bin:$PATH" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LITELLM_LOCAL_MODEL_COST_MAP=True \
    GATEWAY__LISTEN__HOST=0.0.0.0 \
    GATEWAY__LISTEN__PORT=8080
WORKDIR /srv/gateway
USER 10001:10001
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"GATEWAY__LISTEN__PORT\"]}/healthz', timeout=2)"]
ENTRYPOINT ["gateway"]
CMD ["run"]
