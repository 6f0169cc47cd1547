"""nginx, proxy_pass: the bar. What is set and why stands in nginx.conf.in."""

from lib import tools, workloads
from lib.site import Launch


def prepare():
    tools.program("nginx", "nginx-light")


def launch(place):
    servers = ["server %s:%d max_fails=0;" % (place.primary.host, place.primary.port)]
    if place.setup == workloads.FAILOVER:
        servers.append("server %s:%d max_fails=0 backup;" % (place.backup.host, place.backup.port))
    values = {
        "PORT": place.port, "FOLDER": place.folder, "WORKERS": place.workers,
        "SERVERS": "\n        ".join(servers), "PATH": place.primary.path,
        "SCHEME": "https" if place.primary.tls else "http", "CA": place.ca_file,
    }
    text = (tools.BENCH / "nginx.conf.in").read_text()
    for name, value in values.items():
        text = text.replace("@%s@" % name, str(value))
    (place.folder / "nginx.conf").write_text(text)
    return Launch([tools.program("nginx", "nginx-light"), "-p", place.folder,
                   "-c", place.folder / "nginx.conf"], logs=[place.folder / "access.log"])
