"""A LangGraph agent whose risky tools need a yes, given on this terminal.

python agents/langgraph_agent.py --simulate           a scripted model, no key needed
python agents/langgraph_agent.py --simulate --auto    approves by itself
HITLOOP_AGENT_MODEL=openai:gpt-4o-mini python agents/langgraph_agent.py --query "..."
"""

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypedDict

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, ToolMessage
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages

from hitloop_tui import (
    Action,
    CLIBackend,
    RiskBasedPolicy,
    RiskClass,
    RunMetadata,
    TelemetryLogger,
    execute_tool_node,
    hitl_gate_node,
)
from hitloop_tui.agents.scripted import MODEL_VARIABLE, call, chat_model
from hitloop_tui.backends import AutoApproveBackend
from hitloop_tui.core.interfaces import ApprovalBackend
from hitloop_tui.langgraph import should_execute
from hitloop_tui.safetext import safe

TRACES = "langgraph_agent_traces.db"


class AgentState(TypedDict, total=False):
    """The conversation, and what the gate and the tool node write."""

    run_id: str
    messages: Annotated[list[AnyMessage], add_messages]
    proposed_action: Any
    approval_decision: Any
    hitl_status: str
    tool_result: dict[str, Any] | None


def send_email(recipient: str, subject: str, body: str) -> str:
    """Send an email."""
    return f"Email sent to {recipient} with subject '{subject}'"


def delete_file(filepath: str) -> str:
    """Delete a file."""
    return f"File '{filepath}' deleted"


def search_web(query: str) -> str:
    """Search the web."""
    return f"Three results for '{query}'"


TOOLS: dict[str, Callable[..., str]] = {
    "send_email": send_email,
    "delete_file": delete_file,
    "search_web": search_web,
}
RISKS = {"send_email": RiskClass.HIGH, "delete_file": RiskClass.HIGH}


def script(messages: Sequence[BaseMessage]) -> AIMessage:
    """The simulated model: words of the query choose the tool."""
    if isinstance(messages[-1], ToolMessage):
        return AIMessage(f"So far: {messages[-1].content}")
    query = str(messages[-1].content)
    words = query.lower()
    if "email" in words or "send" in words:
        chosen = call("send_email", recipient="bob@example.com", subject="Hello", body="Hi Bob.")
        return AIMessage("I will send that email.", tool_calls=[chosen])
    if "delete" in words:
        chosen = call("delete_file", filepath="/srv/test.txt")
        return AIMessage("I will delete that file.", tool_calls=[chosen])
    return AIMessage("I will look it up.", tool_calls=[call("search_web", query=query)])


def build_agent(backend: ApprovalBackend, logger: TelemetryLogger, model: BaseChatModel) -> Any:
    policy = RiskBasedPolicy(high_risk_tools=["send_email", "delete_file"])
    caller = model.bind_tools(list(TOOLS.values()))

    async def think(state: AgentState) -> AgentState:
        reply = await caller.ainvoke(state["messages"])
        if not reply.tool_calls:
            return {"messages": [reply], "proposed_action": None}
        tool, args = reply.tool_calls[0]["name"], reply.tool_calls[0]["args"]
        action = Action(
            tool_name=tool,
            tool_args=args,
            risk_class=RISKS.get(tool, RiskClass.LOW),
            rationale=str(reply.content),
        )
        return {"messages": [reply], "proposed_action": action, "tool_result": None}

    builder = StateGraph(AgentState)
    builder.add_node("think", think)
    builder.add_node("hitl_gate", hitl_gate_node(policy, backend, logger, channel="cli"))
    builder.add_node("execute", execute_tool_node(TOOLS, logger))
    builder.add_node("report", report)
    builder.add_edge(START, "think")
    builder.add_conditional_edges("think", acts, {"act": "hitl_gate", "answer": END})
    builder.add_conditional_edges(
        "hitl_gate", should_execute, {"execute": "execute", "skip": "report"}
    )
    builder.add_edge("execute", "report")
    builder.add_edge("report", "think")
    return builder.compile()


def acts(state: AgentState) -> str:
    return "act" if state.get("proposed_action") else "answer"


def report(state: AgentState) -> AgentState:
    """Tell the model what became of its call, and of calls beyond the first."""
    calls = state["messages"][-1].tool_calls  # type: ignore[union-attr]
    result, decision = state.get("tool_result"), state["approval_decision"]
    said = f"rejected: {decision['reason']}"
    if result:
        said = str(result["result"] if result["success"] else result["error"])
    first, *others = [one["id"] for one in calls]
    messages: list[AnyMessage] = [ToolMessage(said, tool_call_id=first)]
    messages += [ToolMessage("one call at a time, please", tool_call_id=id_) for id_ in others]
    return {"messages": messages}


async def run(simulate: bool, auto: bool, query: str) -> None:
    if simulate:
        os.environ.pop(MODEL_VARIABLE, None)
    elif not os.environ.get(MODEL_VARIABLE):
        sys.exit(f"Name a model, {MODEL_VARIABLE}=openai:gpt-4o-mini, or say --simulate.")
    backend = AutoApproveBackend() if auto else CLIBackend()
    with TelemetryLogger(TRACES) as logger:
        agent = build_agent(backend, logger, chat_model(script))
        print(f"Query: {query}")
        run = RunMetadata(scenario_id="langgraph_agent")
        logger.log_run_start(run)
        start = {"run_id": run.run_id, "messages": [HumanMessage(query)]}
        result: Any = None
        async for step in agent.astream(start, stream_mode="updates"):
            for node, update in step.items():
                print(f"{node}: {safe(shown(update))}")  # a model's words steer no terminal
                result = update.get("tool_result", result)
        logger.log_run_end(run.run_id, success=bool(result and result["success"]))
    print(f"Traces saved to: {TRACES}")


def shown(update: AgentState) -> str:
    """One line about what a node did."""
    if update.get("messages"):
        return str(update["messages"][-1].content)
    if result := update.get("tool_result"):
        return str(result["result"] if result["success"] else result["error"])
    decision = update.get("approval_decision")
    return f"{update.get('hitl_status')} ({decision['reason']})" if decision else "-"


def main() -> None:
    parser = argparse.ArgumentParser(description="A LangGraph agent with a person in its loop")
    parser.add_argument("--simulate", action="store_true", help="a scripted model")
    parser.add_argument("--auto", action="store_true", help="approve without asking")
    parser.add_argument("--query", default="Send an email to Bob")
    options = parser.parse_args()
    asyncio.run(run(options.simulate, options.auto, options.query))


if __name__ == "__main__":
    main()
