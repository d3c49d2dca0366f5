"""A refunds desk: one thread fans out with `Send` and waits for several people's answers at once.

The graph is exposed as a builder.
"""

import operator
from collections.abc import Sequence
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import Send

from hitloop_tui.agents.casebook import case
from hitloop_tui.agents.scripted import chat_model
from hitloop_tui.agents.worklog import record
from hitloop_tui.langgraph import create_interrupt_gate_node, create_interrupt_tool_node
from hitloop_tui.policies import RiskBasedPolicy

FREE_LIMIT = 25.0


class RefundsState(TypedDict, total=False):
    messages: Annotated[list[AnyMessage], add_messages]
    case: int
    claims: list[dict[str, Any]]
    outcomes: Annotated[list[dict[str, Any]], operator.add]


def refund_order(order: str, amount: float, currency: str, customer: str, reason: str) -> str:
    """Pay money back to a customer."""
    record(
        "refund_order",
        order=order,
        amount=amount,
        currency=currency,
        customer=customer,
        reason=reason,
    )
    return f"Refunded {amount:.2f} {currency} for {order}."


gate = create_interrupt_gate_node(
    RiskBasedPolicy(
        require_approval_for_high=True,
        require_approval_for_medium=True,
        max_amount_without_approval=FREE_LIMIT,
    )
)
pay = create_interrupt_tool_node({"refund_order": refund_order})


def opening(number: int) -> RefundsState:
    """The first message of thread `number`."""
    return {"messages": [HumanMessage(f"Case {number}: refunds batch of the day")], "case": number}


def collect(state: RefundsState) -> RefundsState:
    """The day's claims: two to four."""
    number = state.get("case", 1)
    count = 2 + case(number).dice.randint(0, 2)
    told = [case(number * 10 + index) for index in range(count)]
    claims = [
        {
            "order": item.order,
            "amount": item.amount,
            "currency": item.dice.choice(["EUR", "EUR", "USD", "GBP"]),
            "customer": item.person,
            "reason": f"The {item.product} {item.reason}.",
        }
        for item in told
    ]
    return {"claims": claims}


def fan_out(state: RefundsState) -> list[Send]:
    return [Send("review", {"claim": claim}) for claim in state["claims"]]


class ReviewState(TypedDict):
    claim: dict[str, Any]


def review(state: ReviewState) -> RefundsState:
    """One claim: ask, then pay what was approved."""
    claim = state["claim"]
    action = {
        "tool_name": "refund_order",
        "tool_args": claim,
        "risk_class": "high" if claim["amount"] > 300 else "medium",
        "side_effects": [f"pays {claim['amount']:.2f} {claim['currency']} out of the shop account"],
        "rationale": f"{claim['customer']} is owed the money: {claim['reason']}",
    }
    decided: dict[str, Any] = {"proposed_action": action}
    decided |= gate(decided)
    result = pay(decided)["tool_result"]
    decision = decided["approval_decision"]
    outcome = {
        "order": claim["order"],
        "approved": decision["approved"],
        "decided_by": decision["decided_by"],
        "text": result["result"] if result["success"] else result["error"],
    }
    return {"outcomes": [outcome]}


async def summary(state: RefundsState) -> RefundsState:
    """One message about all claims."""
    lines = "\n".join(f"- {item['order']}: {item['text']}" for item in state["outcomes"])
    request = HumanMessage(f"Sum up today's refunds for the finance team:\n{lines}")
    reply = await chat_model(_summing_up).ainvoke([request])
    return {"messages": [reply]}


def _summing_up(messages: Sequence[BaseMessage]) -> AIMessage:
    lines = str(messages[-1].content).splitlines()[1:]
    paid = sum("Refunded" in line for line in lines)
    return AIMessage(
        f"{paid} of {len(lines)} claims were paid today.\n" + "\n".join(lines) + "\nThe rest goes"
        " back to customer service with the reasons given."
    )


graph = StateGraph(RefundsState)
graph.add_node("collect", collect)
graph.add_node("review", review)
graph.add_node("summary", summary)
graph.add_edge(START, "collect")
graph.add_conditional_edges("collect", fan_out, ["review"])
graph.add_edge("review", "summary")
graph.add_edge("summary", END)
