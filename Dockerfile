# The worker with its plugins: a build stage, and a slim image with the binary and the libraries that it links.
#
#   docker build -t queue-worker .
#   docker run --rm -e AWS_SQS_QUEUE_URL=… -v queue-worker:/var/lib/worker queue-worker
FROM swift:6.3-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends libcurl4-openssl-dev libpq-dev libsqlite3-dev libssl-dev pkg-config zlib1g-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
# Resolve dependencies first, so that they are fetched again only when the manifest changes.
COPY Package.swift ./
RUN swift package resolve
COPY Sources Sources
# The manifest names the tests' folders. Nothing in them is built.
COPY Tests Tests
RUN swift build --product worker --configuration release --static-swift-stdlib -Xswiftc -use-ld=lld \
 && install -D --strip "$(swift build --configuration release --static-swift-stdlib --show-bin-path)/worker" /out/worker

FROM debian:bookworm-slim
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libcurl4 libpq5 libsqlite3-0 libssl3 libstdc++6 zlib1g \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --home-dir /var/lib/worker --shell /usr/sbin/nologin worker \
 && install -d -o worker -g worker -m 0700 /var/lib/worker
COPY --from=build /out/worker /usr/local/bin/worker
COPY routes.yaml /etc/worker/routes.yaml
# A number, because Kubernetes' runAsNonRoot cannot look up a name.
USER 10001
WORKDIR /etc/worker
# The only folder that the worker writes to.
VOLUME /var/lib/worker
ENV PRIZE_DATABASE=sqlite:/var/lib/worker/prizes.db
EXPOSE 9464
STOPSIGNAL SIGTERM
# The image has no curl; bash can send a request itself.
HEALTHCHECK --interval=15s --timeout=5s --start-period=15s --retries=3 \
  CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9464 && printf 'GET /health/live HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && read -r _ status _ <&3 && [ \"$status\" = 200 ]"]
ENTRYPOINT ["worker"]
CMD ["run", "--admin", "0.0.0.0:9464"]
