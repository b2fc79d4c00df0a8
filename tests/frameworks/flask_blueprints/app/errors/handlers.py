from app.errors import bp


@bp.app_errorhandler(404)
def not_found_error(error):
    return "Not found by the microblog", 404
