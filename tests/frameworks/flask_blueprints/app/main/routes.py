from app import db
from app.main import bp
from app.models import Visit


@bp.route("/")
@bp.route("/index")
def index():
    db.session.add(Visit())
    db.session.commit()
    return f"Microblog, version 1: visit {Visit.query.count()}"
