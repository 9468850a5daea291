# syntax=docker/dockerfile:1
# Two images from one build:
#   docker build --target region  -t my-app .     stoa and an app, without a shell, not root
#   docker build --target primary -t my-app .     the same with sqld beside it, for platforms that run one image in several roles
# The app is examples/storefront unless --build-arg APP= names another folder.

FROM rust:1.95-slim-bookworm AS build
RUN apt-get update && apt-get install -y --no-install-recommends build-essential && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
RUN --mount=type=cache,target=/usr/local/cargo/registry --mount=type=cache,target=/src/target \
    cargo build --release --locked -p stoa-runtime && cp target/release/stoa /usr/local/bin/stoa
RUN mkdir /empty

FROM gcr.io/distroless/cc-debian12:nonroot AS region
ARG APP=examples/storefront
COPY --from=build /usr/local/bin/stoa /usr/local/bin/stoa
COPY --from=build /usr/share/zoneinfo /usr/share/zoneinfo
COPY ${APP} /app
# A volume that is mounted here belongs to the one who runs stoa.
COPY --from=build --chown=nonroot:nonroot /empty /data
VOLUME /data
EXPOSE 9926
ENV STOA_DATA=/data STOA_LISTEN=[::]:9926
STOPSIGNAL SIGTERM
CMD ["/usr/local/bin/stoa", "serve", "/app", "--unauthenticated"]

FROM region AS primary
# Where each container is a machine of its own and its volume belongs to root, as on Fly.
USER root
COPY --from=ghcr.io/tursodatabase/libsql-server:v0.24.32 /bin/sqld /usr/local/bin/sqld

FROM region
