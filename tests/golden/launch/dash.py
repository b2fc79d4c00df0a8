# Written by 'debonair init'. You can edit it. It names the server of the Dash object in app.py.
from app import app

application = app.server
