"""A help desk that asks back in plain words: `interrupt("...?")` and a free answer.

The graph is exposed as an async factory.
"""

from collections.abc import Sequence
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages
from langgraph.types import interrupt

from hitloop_tui.agents.casebook import case, case_of
from hitloop_tui.agents.scripted import chat_model
from hitloop_tui.agents.worklog import record


class ClarifyState(TypedDict, total=False):
    messages: Annotated[list[AnyMessage], add_messages]
    question: str


def opening(number: int) -> ClarifyState:
    """The first message of thread `number`."""
    told = case(number)
    text = f"Case {number}: {told.company} wants the {told.product} delivered again, but cheaper."
    return {"messages": [HumanMessage(text)]}


async def wonder(state: ClarifyState) -> ClarifyState:
    """Find out what is missing."""
    request = HumanMessage("What one thing must a colleague tell you first? Ask in one sentence.")
    reply = await chat_model(script).ainvoke([*state["messages"], request])
    return {"question": reply.text}


def ask(state: ClarifyState) -> ClarifyState:
    """Wait for a person's words."""
    answer = interrupt(state["question"])
    text = answer if isinstance(answer, str) else repr(answer)
    return {"messages": [AIMessage(state["question"]), HumanMessage(text)]}


def note(state: ClarifyState) -> ClarifyState:
    """Write the answer into the ticket."""
    told, answer = case_of(state["messages"]), state["messages"][-1].text
    record("update_ticket", ticket=f"T-{told.number}", answer=answer)
    return {"messages": [AIMessage(f"Noted in ticket T-{told.number}: {answer}")]}


def script(messages: Sequence[BaseMessage]) -> AIMessage:
    told = case_of(messages)
    questions = (
        f"Which discount may I offer {told.company} on order {told.order} at most?",
        f"Does {told.person} decide for {told.company}, or should I write to their buyer?",
        f"Should the {told.product} go to the address of {told.order} or to the new warehouse?",
        f"How long may the offer of {told.amount:.2f} EUR to {told.company} stand?",
    )
    return AIMessage(questions[told.number % len(questions)])


async def graph() -> Any:
    """The compiled graph, once awaited."""
    builder = StateGraph(ClarifyState)
    builder.add_node("wonder", wonder)
    builder.add_node("ask", ask)
    builder.add_node("note", note)
    builder.add_edge(START, "wonder")
    builder.add_edge("wonder", "ask")
    builder.add_edge("ask", "note")
    builder.add_edge("note", END)
    return builder.compile(name="clarify")
