"""LangGraph's own interrupt(): the graph stops at a question, and goes on with the answer.

    python agents/interrupt_example.py

The person is played by this script. The answers have the shapes that this library, agent-inbox and
LangGraph Studio send.
"""

from collections.abc import Callable
from typing import Any, TypedDict

from langgraph.checkpoint.memory import MemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command

from hitloop_tui import Action, RiskBasedPolicy, RiskClass
from hitloop_tui.langgraph import (
    create_interrupt_gate_node,
    create_interrupt_tool_node,
    should_execute,
)


class AgentState(TypedDict, total=False):
    """What the example agent remembers."""

    user_query: str
    proposed_action: Any
    approval_decision: Any
    hitl_status: str
    tool_result: dict[str, Any] | None
    final_response: str


def send_email(recipient: str, subject: str, body: str) -> str:
    return f"Email sent to {recipient}: {subject}"


def delete_file(filepath: str) -> str:
    return f"File {filepath} deleted"


def search_web(query: str) -> str:
    return f"Found three pages about {query}"


def propose(state: AgentState) -> AgentState:
    """Stands in for a model: the query's first word chooses the tool."""
    word, _, rest = state["user_query"].partition(" ")
    if word == "email":
        args = {"recipient": "boss@company.example", "subject": rest, "body": f"About {rest}."}
        action = Action(tool_name="send_email", tool_args=args, risk_class=RiskClass.HIGH)
    elif word == "delete":
        args = {"filepath": rest}
        action = Action(tool_name="delete_file", tool_args=args, risk_class=RiskClass.HIGH)
    else:
        action = Action(tool_name="search_web", tool_args={"query": rest})
    return {"proposed_action": action.model_dump(mode="json")}


def respond(state: AgentState) -> AgentState:
    result = state.get("tool_result")
    if result and result["success"]:
        return {"final_response": result["result"]}
    return {"final_response": f"Not done: {state['approval_decision']['reason']}"}


def build_graph() -> Any:
    policy = RiskBasedPolicy(high_risk_tools=["send_email", "delete_file"])
    tools: dict[str, Callable[..., str]] = {
        "send_email": send_email,
        "delete_file": delete_file,
        "search_web": search_web,
    }
    builder = StateGraph(AgentState)
    builder.add_node("propose", propose)
    builder.add_node("hitl_gate", create_interrupt_gate_node(policy))
    builder.add_node("execute", create_interrupt_tool_node(tools))
    builder.add_node("respond", respond)
    builder.add_edge(START, "propose")
    builder.add_edge("propose", "hitl_gate")
    builder.add_conditional_edges(
        "hitl_gate", should_execute, {"execute": "execute", "skip": "respond"}
    )
    builder.add_edge("execute", "respond")
    builder.add_edge("respond", END)
    return builder.compile(checkpointer=MemorySaver())


def converse(graph: Any, query: str, answer: Any = None) -> None:
    """One thread: the query, the question if there is one, the outcome."""
    config = {"configurable": {"thread_id": query}}
    print(f"\n> {query}")
    result = graph.invoke({"user_query": query}, config)
    if "__interrupt__" in result:
        asked = result["__interrupt__"][0].value[0]["action_request"]
        print(f"INTERRUPT: may I call {asked['action']}({asked['args']})?")
        print(f"The person says {answer}")
        result = graph.invoke(Command(resume=answer), config)
    print(f"{result['hitl_status']}: {result['final_response']}")


def main() -> None:
    graph = build_graph()
    converse(graph, "search Python tutorials")
    converse(graph, "email this month's figures", {"approved": True, "decided_by": "human:alice"})
    converse(graph, "email the budget", {"type": "accept", "args": None})
    converse(graph, "delete /srv/important.txt", {"type": "ignore", "args": None})


if __name__ == "__main__":
    main()
