"""What is shown where a second person must agree."""

from cli.app import App


def show_pending(app: App, approval_id: int, *lines: str, **data: object) -> None:
    """Tell that nothing has happened yet, and what the second person does."""
    text = "\n".join([f"waits for a second person: approval {approval_id}", *lines])
    app.out.result({"approval_id": str(approval_id), **data}, text)
    app.out.note(
        f"Another person: wanneng approval show {approval_id}; wanneng approval agree {approval_id}"
    )
