# One image for every process: `wanneng serve`, `wanneng init`, and all other commands.

FROM python:3.13-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /source
COPY requirements/runtime.txt requirements/build.txt requirements/
RUN python -m venv --without-pip /wanneng \
 && python -m pip --python /wanneng/bin/python install --require-hashes -r requirements/runtime.txt \
 && python -m pip install --require-hashes -r requirements/build.txt
COPY . .
RUN python -m pip wheel --no-deps --no-build-isolation --wheel-dir /wheel . \
 && python -m pip --python /wanneng/bin/python install --no-deps --no-index /wheel/*.whl

FROM python:3.13-slim
# The font that documents are set in: Chinese and Latin in one TrueType file.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends fonts-wqy-microhei \
 && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin wanneng \
 && install -d -o wanneng -g wanneng -m 0700 /keys /data
COPY --from=build /wanneng /wanneng
ENV PATH=/wanneng/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    WANNENG_KEY_FILE=/keys/keys.json \
    WANNENG_DATABASE_URL=sqlite:////data/wanneng.db
USER wanneng
WORKDIR /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8000/health/ready', timeout=4)"]
CMD ["wanneng", "serve", "--host", "0.0.0.0", "--port", "8000"]
