# A broker of Kafka's protocol over /data: docs/broker.md says how it is run.
FROM node:26-slim AS build
WORKDIR /src
COPY . .
RUN npm ci --ignore-scripts && npm pack --pack-destination /tmp

FROM node:26-slim
COPY --from=build /tmp/millrace-*.tgz /tmp/
RUN npm install --global /tmp/millrace-*.tgz && install -d -o node /data
USER node
ENV MILLRACE_DATA=/data
VOLUME /data
EXPOSE 9092
HEALTHCHECK --interval=10s --timeout=6s CMD ["millrace", "ping"]
ENTRYPOINT ["millrace", "broker", "--listen", "0.0.0.0:9092", "--allow-remote"]
