from hitloop_tui.cli import main

main()
