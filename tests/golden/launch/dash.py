# Written by 'debonair init'. You can edit it. It names the server of the Dash object in app.py.
from importlib import import_module

application = import_module("app").app.server
