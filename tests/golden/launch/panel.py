# Written by 'debonair init'. You can edit it. It serves the Panel script app.py on the Pi.
import os
import sys
from functools import partial

from panel.command import main
from tornado import netutil

# Only nginx can connect, so it must be able to open the socket.
netutil.bind_unix_socket = partial(netutil.bind_unix_socket, mode=0o660)
sys.argv = ["panel", "serve", "app.py", "--unix-socket", os.environ["SOCKET"], "--use-xheaders"]
main()
