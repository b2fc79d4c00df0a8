# Written by 'debonair init'. You can edit it. It serves the Streamlit script app.py on the Pi.
import os
import sys

SOCKET = os.environ["SOCKET"]
try:
    from streamlit.starlette import App
except ImportError:
    # An older Streamlit can listen on a socket itself, but nginx could not open it.
    from functools import partial

    from streamlit.web import cli
    from tornado import netutil

    netutil.bind_unix_socket = partial(netutil.bind_unix_socket, mode=0o660)
    options = ["--server.address", f"unix://{SOCKET}", "--server.headless", "true"]
    sys.argv = ["streamlit", "run", "app.py", *options]
    cli.main()
else:
    import uvicorn

    uvicorn.run(App("app.py"), uds=SOCKET, forwarded_allow_ips="*", timeout_graceful_shutdown=5)
