# Written by 'debonair init'. You can edit it. It runs app.py, and waitress listens on the Pi's socket.
import os
import runpy
import sys

import waitress

LEFT_OUT = ("host", "port", "listen", "ipv4", "ipv6", "sockets")
serve = waitress.serve


def serve_on_socket(app, **options):
    kept = {name: value for name, value in options.items() if name not in LEFT_OUT}
    kept.update(unix_socket=os.environ["SOCKET"], unix_socket_perms="660")
    # Only nginx can connect, and it sends the client's address.
    kept.setdefault("trusted_proxy", "*")
    kept.setdefault("trusted_proxy_headers", {"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"})
    serve(app, **kept)


waitress.serve = serve_on_socket
sys.argv = ["app.py"]
sys.path.insert(0, ".")
runpy.run_path("app.py", run_name="__main__")
