"""A provider's desk: shows what was released to the provider and answers referrals.

Run as `python -m examples.provider_desk --connection F --key F --data DIR --port N`.
"""

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from examples.desk import Options, create_desk, run, send

TITLE = "Provider desk"


def create_app(options: Options) -> FastAPI:
    """Build the desk with the provider's one command."""
    app = create_desk(TITLE, options)

    @app.post("/answer")
    async def answer(request: Request) -> JSONResponse:
        return await send(request, "answer_referral")

    return app


if __name__ == "__main__":
    run(TITLE, create_app)
