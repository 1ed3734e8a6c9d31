"""A Jobcenter's desk: commissions help and shows all that the Jobcenter knows.

Run as `python -m examples.jobcenter_desk --connection F --key F --data DIR --port N`.
"""

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from examples.desk import Options, create_desk, run, send

TITLE = "Jobcenter desk"


def create_app(options: Options) -> FastAPI:
    """Build the desk with the Jobcenter's two commands."""
    app = create_desk(TITLE, options)

    @app.post("/commission")
    async def commission(request: Request) -> JSONResponse:
        return await send(request, "commission")

    @app.post("/cancel")
    async def cancel(request: Request) -> JSONResponse:
        return await send(request, "cancel_commission")

    return app


if __name__ == "__main__":
    run(TITLE, create_app)
