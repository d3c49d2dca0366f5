"""An e-mail assistant behind hitloop's own gate: searching is free, deleting and sending are not.

The graph is exposed compiled, without a checkpointer.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, TypedDict

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages

from hitloop_tui.agents.casebook import Case, case, case_of
from hitloop_tui.agents.scripted import call, chat_model
from hitloop_tui.agents.worklog import record
from hitloop_tui.langgraph import (
    create_interrupt_gate_node,
    create_interrupt_tool_node,
    should_execute,
)
from hitloop_tui.policies import RiskBasedPolicy

SYSTEM = SystemMessage(
    "You look after the mailbox of a sales team. Say in one or two sentences why you do something, "
    "and use one tool at a time. When the work is done or refused, close with one sentence."
)
EFFECTS: dict[str, tuple[str, list[str]]] = {
    "search_mail": ("low", []),
    "delete_draft": ("medium", ["deletes a draft for good"]),
    "send_email": ("high", ["sends mail outside the company"]),
}


class EmailState(TypedDict, total=False):
    messages: Annotated[list[AnyMessage], add_messages]
    run_id: str
    proposed_action: dict[str, Any] | None
    approval_decision: dict[str, Any] | None
    hitl_status: str
    tool_result: dict[str, Any] | None


def send_email(to: list[str], subject: str, body: str, urgent: bool = False) -> str:
    """Send an e-mail."""
    record("send_email", to=to, subject=subject, body=body, urgent=urgent)
    return f"Sent to {', '.join(to)}."


def delete_draft(draft_id: str, keep_attachments: bool = True) -> str:
    """Delete a draft from the mailbox."""
    record("delete_draft", draft_id=draft_id, keep_attachments=keep_attachments)
    return f"Draft {draft_id} is gone."


def search_mail(query: str, limit: int = 10) -> str:
    """Search the mailbox."""
    record("search_mail", query=query, limit=limit)
    return f"2 of {limit} messages match {query!r}."


TOOLS: list[Callable[..., Any]] = [send_email, delete_draft, search_mail]


def opening(number: int) -> EmailState:
    """The first message of thread `number`."""
    told = case(number)
    text = (
        f"Case {number}: {told.person} of {told.company} writes that the {told.product} of order "
        f"{told.order} {told.reason}. Please take care of it."
    )
    return {"messages": [HumanMessage(text)], "run_id": f"email-{number}"}


def script(messages: Sequence[BaseMessage]) -> AIMessage:
    told = case_of([message for message in messages if isinstance(message, HumanMessage)])
    done = [message for message in messages if isinstance(message, ToolMessage)]
    match told.number % 3, len(done):
        case 0, 0:
            why = f"I look up what {told.first_name} was promised about {told.order} first."
            return AIMessage(why, tool_calls=[call("search_mail", query=told.order, limit=5)])
        case (0, 1) | (1, 0):
            return _apology(told)
        case 2, 0:
            why = (
                f"The draft to {told.company} quotes the old price for the {told.product}; "
                "the correct quote went out yesterday, so the draft can only do harm."
            )
            draft = f"draft-{told.dice.randint(100, 999)}"
            return AIMessage(
                why, tool_calls=[call("delete_draft", draft_id=draft, keep_attachments=True)]
            )
        case _:
            return AIMessage(f"Case {told.number} is closed: {done[-1].content}")


def _apology(told: Case) -> AIMessage:
    why = (
        f"{told.first_name} has waited since Friday for an answer about {told.order}; a written "
        "apology with the new delivery date keeps the account."
    )
    body = (
        f"Dear {told.first_name},\n\nI am sorry that the {told.product} {told.reason}. A "
        "replacement leaves our warehouse tomorrow morning, and the tracking number follows.\n\n"
        "Kind regards\nSales support"
    )
    args = {"to": [told.email, "sales@ourshop.example"], "body": body, "urgent": told.amount > 500}
    subject = f"Your order {told.order}: replacement is on its way"
    return AIMessage(why, tool_calls=[call("send_email", 2, subject=subject, **args)])


async def propose(state: EmailState) -> EmailState:
    """The model's next step, and the Action it asks for."""
    model = chat_model(script).bind_tools(TOOLS)
    reply = await model.ainvoke([SYSTEM, *state["messages"]])
    if not reply.tool_calls:
        return {"messages": [reply], "proposed_action": None}
    wanted = reply.tool_calls[0]
    risk, effects = EFFECTS.get(wanted["name"], ("high", []))
    action = {
        "tool_name": wanted["name"],
        "tool_args": wanted["args"],
        "risk_class": risk,
        "side_effects": effects,
        "rationale": reply.text,
    }
    return {"messages": [reply], "proposed_action": action}


def report(state: EmailState) -> EmailState:
    """Tell the model what became of its call."""
    asked = next(m for m in reversed(state["messages"]) if isinstance(m, AIMessage))
    decision = state.get("approval_decision") or {}
    text = str((state.get("tool_result") or {}).get("result"))
    if not decision.get("approved"):
        text = f"{decision.get('decided_by')} said no: {decision.get('reason')}"
    first, *others = [item["id"] for item in asked.tool_calls]
    replies: list[AnyMessage] = [ToolMessage(text, tool_call_id=first)]
    replies += [ToolMessage("Not run: one tool at a time.", tool_call_id=id_) for id_ in others]
    return {"messages": replies, "proposed_action": None, "tool_result": None}


def proposed(state: EmailState) -> Literal["gate", "done"]:
    return "gate" if state.get("proposed_action") else "done"


def build() -> StateGraph[EmailState]:
    policy = RiskBasedPolicy(require_approval_for_medium=True, high_risk_tools=["send_email"])
    builder = StateGraph(EmailState)
    builder.add_node("propose", propose)
    builder.add_node("hitl_gate", create_interrupt_gate_node(policy))
    builder.add_node("execute", create_interrupt_tool_node(TOOLS))
    builder.add_node("report", report)
    builder.add_edge(START, "propose")
    builder.add_conditional_edges("propose", proposed, {"gate": "hitl_gate", "done": END})
    builder.add_conditional_edges(
        "hitl_gate", should_execute, {"execute": "execute", "skip": "report"}
    )
    builder.add_edge("execute", "report")
    builder.add_edge("report", "propose")
    return builder


graph = build().compile(name="email")
