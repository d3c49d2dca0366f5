"""A market researcher: a subgraph asks about the search plan, the report streams, a gate publishes.

The graph is exposed as an async context manager, the way one is that holds connections open.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal, TypedDict

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage
from langgraph.config import get_stream_writer
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import interrupt

from hitloop_tui.agents.casebook import case, case_of
from hitloop_tui.agents.scripted import chat_model
from hitloop_tui.agents.worklog import record
from hitloop_tui.langgraph import (
    create_interrupt_gate_node,
    create_interrupt_tool_node,
    should_execute,
)
from hitloop_tui.policies import RiskBasedPolicy


class ResearchState(TypedDict, total=False):
    messages: Annotated[list[AnyMessage], add_messages]
    topic: str
    plan: dict[str, Any] | None
    findings: list[str]
    proposed_action: dict[str, Any] | None
    approval_decision: dict[str, Any] | None
    hitl_status: str
    tool_result: dict[str, Any] | None


def publish_report(title: str, audience: str, pages: int, notify: list[str]) -> str:
    """Publish a report on the intranet."""
    record("publish_report", title=title, audience=audience, pages=pages, notify=notify)
    return f"Published “{title}” for {audience}."


def opening(number: int) -> ResearchState:
    """The first message of thread `number`."""
    topic = case(number).topic
    text = f"Case {number}: write a short market note on {topic}."
    return {"messages": [HumanMessage(text)], "topic": topic}


def draw_up(state: ResearchState) -> ResearchState:
    """Queries and a budget for them."""
    told = case_of(state["messages"])
    topic = state.get("topic") or told.topic
    queries = [f"{topic} market size", f"{topic} price trend", f"competitors in {topic}"]
    plan = {"queries": queries, "max_sources": told.dice.randint(6, 20), "budget_eur": 4.5}
    return {"topic": topic, "plan": plan}


def approve_plan(state: ResearchState) -> ResearchState:
    """Ask in agent-inbox's form: a bare HumanInterrupt."""
    plan = state.get("plan") or {}
    request = {
        "action_request": {"action": "run_search_plan", "args": plan},
        "config": {
            "allow_ignore": False,
            "allow_respond": True,
            "allow_edit": True,
            "allow_accept": True,
        },
        "description": f"May I search for **{state.get('topic')}**? Each source costs money.",
    }
    answer = interrupt(request)
    match answer[0] if isinstance(answer, list) and answer else answer:
        case {"type": "accept"}:
            return {"plan": plan}
        case {"type": "edit", "args": {"args": dict() as edited}}:
            return {"plan": edited}
        case {"type": "response", "args": str() as text}:
            return {"plan": None, "messages": [HumanMessage(text)]}
        case _:
            return {"plan": None}


async def search(state: ResearchState) -> ResearchState:
    """Run the queries, with progress as custom events."""
    plan, write = state.get("plan") or {}, get_stream_writer()
    findings = []
    for index, query in enumerate(plan.get("queries", []), start=1):
        record("web_search", query=query, max_sources=plan.get("max_sources"))
        write({"progress": index / len(plan["queries"]), "query": query})
        await asyncio.sleep(0)
        findings.append(f"{query}: {4 + index * 3} % growth over two years")
    return {"findings": findings}


def planned(state: ResearchState) -> Literal["search", "stop"]:
    return "search" if state.get("plan") else "stop"


async def write_report(state: ResearchState) -> ResearchState:
    """The note itself; its tokens are worth watching."""
    lines = "\n".join(f"- {line}" for line in state.get("findings", []))
    request = HumanMessage(f"Write the market note on {state.get('topic')} from this:\n{lines}")
    reply = await chat_model(_note).ainvoke([*state["messages"], request])
    action = {
        "tool_name": "publish_report",
        "tool_args": {
            "title": f"Market note: {state.get('topic')}",
            "audience": "all staff",
            "pages": 2,
            "notify": ["board@ourshop.example", "sales@ourshop.example"],
        },
        "risk_class": "medium",
        "side_effects": ["mails the board", "is visible to all staff"],
        "rationale": "The note is complete and every figure in it comes from an approved search.",
    }
    return {"messages": [reply], "proposed_action": action}


def close(state: ResearchState) -> ResearchState:
    """The last word of the thread."""
    decision = state.get("approval_decision") or {}
    result = state.get("tool_result") or {}
    match bool(state.get("plan")), bool(decision.get("approved")):
        case False, _:
            text = "No search was made."
        case True, True:
            text = str(result.get("result"))
        case _:
            text = f"Not published: {decision.get('reason')}"
    return {"messages": [AIMessage(text)]}


def _note(messages: Sequence[BaseMessage]) -> AIMessage:
    told = case_of([message for message in messages if isinstance(message, HumanMessage)])
    facts = [line[2:] for line in str(messages[-1].content).splitlines()[1:]]
    return AIMessage(
        f"Market note on {told.topic}.\n\nDemand is real, but it is not where we sell today. "
        f"{told.company} and two regional chains have moved first, and their offers are cheaper "
        f"than ours by {told.dice.randint(4, 18)} percent. What the sources agree on: "
        + "; ".join(facts)
        + ".\n\nThe risk lies in logistics: returns eat the margin below an order value of "
        f"{told.dice.randint(40, 90)} euros, and no supplier guarantees stock before spring. "
        "We recommend a pilot in one city, a fixed budget, and a decision after ninety days. "
        "If the pilot reaches four hundred repeat customers, a second warehouse pays for itself "
        "within eleven months; if it does not, the stock can be sold through the outlet."
    )


def _subgraph() -> Any:
    planning = StateGraph(ResearchState)
    planning.add_node("draw_up", draw_up)
    planning.add_node("approve_plan", approve_plan)
    planning.add_node("search", search)
    planning.add_edge(START, "draw_up")
    planning.add_edge("draw_up", "approve_plan")
    planning.add_conditional_edges("approve_plan", planned, {"search": "search", "stop": END})
    planning.add_edge("search", END)
    return planning.compile(name="planning")


def build() -> StateGraph[ResearchState]:
    builder = StateGraph(ResearchState)
    builder.add_node("planning", _subgraph())
    builder.add_node("write_report", write_report)
    policy = RiskBasedPolicy(require_approval_for_medium=True)
    builder.add_node("publish_gate", create_interrupt_gate_node(policy))
    builder.add_node("publish", create_interrupt_tool_node({"publish_report": publish_report}))
    builder.add_node("close", close)
    builder.add_edge(START, "planning")
    builder.add_conditional_edges("planning", planned, {"search": "write_report", "stop": "close"})
    builder.add_edge("write_report", "publish_gate")
    builder.add_conditional_edges(
        "publish_gate", should_execute, {"execute": "publish", "skip": "close"}
    )
    builder.add_edge("publish", "close")
    builder.add_edge("close", END)
    return builder


@asynccontextmanager
async def graph() -> AsyncIterator[Any]:
    """A graph that is open as long as it is used."""
    yield build().compile(name="research")
