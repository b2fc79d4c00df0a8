import os

from flask import Flask


def create_app(test_config=None):
    """Create and configure an instance of the Flask application."""
    app = Flask(__name__, instance_relative_config=True)
    app.config.from_mapping(
        SECRET_KEY=os.environ.get("SECRET_KEY", "dev"),
        DATABASE=os.path.join(os.environ.get("STATE_DIRECTORY", app.instance_path), "flaskr.sqlite"),
    )

    if test_config is not None:
        app.config.update(test_config)

    from . import db

    db.init_app(app)

    from . import blog

    app.register_blueprint(blog.bp)
    app.add_url_rule("/", endpoint="index")

    return app
