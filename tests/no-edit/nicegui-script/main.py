from nicegui import ui

ui.label("Hello NiceGUI!")
ui.button("Press me", on_click=lambda: ui.notify("Pressed"))

ui.run()
