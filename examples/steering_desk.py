"""A town's steering: shows the figures of every quarter as the report that another town's council could read.

Run as `python -m examples.steering_desk --connection F --key F --data DIR --port N`.
"""

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse

from examples.desk import Options, create_desk, desk_of, run
from sdk.figure_report import as_csv, as_html
from sdk.figures import Figures

TITLE = "Steering desk"
CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


def create_app(options: Options) -> FastAPI:
    """Build the desk; it commands nothing."""
    app = create_desk(TITLE, options)

    @app.get("/report", response_model=None)
    async def report(request: Request) -> HTMLResponse | PlainTextResponse:
        quarters = _quarters(request)
        if not quarters:
            return PlainTextResponse("No quarter has been published yet.", status_code=404)
        return HTMLResponse(as_html(quarters), headers={"Content-Security-Policy": CONTENT_SECURITY_POLICY})

    @app.get("/report.csv")
    async def table(request: Request) -> PlainTextResponse:
        return PlainTextResponse(as_csv(_quarters(request)), media_type="text/csv")

    return app


def _quarters(request: Request) -> list[Figures]:
    return [one.figures for one in desk_of(request).store.figures()]


if __name__ == "__main__":
    run(TITLE, create_app)
