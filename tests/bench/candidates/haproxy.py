"""HAProxy, one thread, access log on: a write for every request, as it has no buffered file."""

from lib import tools, workloads
from lib.site import Launch

CONFIG = """
global
    nbthread {workers}
    maxconn 8000
    tune.ssl.default-dh-param 2048
    log stdout len 2048 format raw local0
defaults
    mode http
    log global
    option httplog
    option http-keep-alive
    http-reuse always
    timeout connect 5s
    timeout client 300s
    timeout server 300s
    timeout http-keep-alive 300s
frontend in
    bind 127.0.0.1:{port} backlog 4096
    default_backend providers
backend providers
    option redispatch 1
    retries 1
    {retry_on}
    http-request replace-path /v1(.*) {path}\\1
{servers}
"""


def prepare():
    tools.program("haproxy", "haproxy")


def server(name, upstream, place, more=""):
    tls = " ssl verify required ca-file %s verifyhost localhost ssl-min-ver TLSv1.3" \
        % place.ca_file if upstream.tls else ""
    return "    server %s %s:%d pool-max-conn 4096%s%s" % (name, upstream.host, upstream.port,
                                                           tls, more)


def launch(place):
    # Its own failover would need `retry-on 503` and another server, which a `backup` is not while
    # the first one is up; so it is measured without.
    if place.setup == workloads.FAILOVER:
        raise tools.Missing("haproxy does not go to a backup server while the first one is up")
    text = CONFIG.format(workers=place.workers, port=place.port,
                         path=place.primary.path, retry_on="retry-on conn-failure",
                         servers=server("primary", place.primary, place))
    (place.folder / "haproxy.cfg").write_text(text)
    return Launch([tools.program("haproxy", "haproxy"), "-db", "-f",
                   place.folder / "haproxy.cfg"], logs=[place.folder / "output"])
