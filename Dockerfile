# Postern in a container: one stage compiles, the other holds the program and the libraries that it loads.
#   docker build -t postern . && docker run --hostname mx1.example.cz -p 25:2525 -v postern-state:/var/lib/postern -v mail:/var/mail postern
# Runs as an ordinary user; accounts: docker exec CONTAINER postern domain add example.cz
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
WORKDIR /src
COPY packaging/debian-packages packaging/
COPY scripts/packages scripts/
RUN scripts/packages build
COPY . .
RUN cmake --preset release -DPOSTERN_TESTS=OFF && ninja -C build/release postern postern-scanner && cmake --install build/release --strip --prefix /usr/local

FROM ${BASE}
COPY packaging/debian-packages /usr/local/share/postern/packaging/
COPY scripts/packages /usr/local/share/postern/scripts/
RUN /usr/local/share/postern/scripts/packages run && rm -rf /var/lib/apt/lists/* /var/cache/apt/* \
    && groupadd --system --gid 825 postern && useradd --system --uid 825 --gid postern --home-dir /var/lib/postern --shell /usr/sbin/nologin postern \
    && install -d -o postern -g postern -m 0750 /var/lib/postern /run/postern && install -d -o postern -g postern -m 0770 /var/mail
COPY --from=build /usr/local/bin/postern /usr/local/bin/postern-scanner /usr/local/bin/
COPY packaging/container-health /usr/local/lib/postern/container-health
COPY packaging/container.toml /etc/postern/postern.toml
USER postern
VOLUME ["/var/lib/postern", "/var/mail"]
EXPOSE 2525 4465
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s CMD ["/usr/local/lib/postern/container-health"]
ENTRYPOINT ["postern"]
CMD ["serve"]
