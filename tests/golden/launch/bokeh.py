# Written by 'debonair init'. You can edit it. It serves the Bokeh script plot.py on the Pi.
import os
from functools import partial

from bokeh.command.bootstrap import main
from tornado import netutil

# Only nginx can connect, so it must be able to open the socket.
netutil.bind_unix_socket = partial(netutil.bind_unix_socket, mode=0o660)
main(["bokeh", "serve", "plot.py", "--unix-socket", os.environ["SOCKET"], "--use-xheaders"])
