"""Settings of nbgrader for this course: copy this file into the course folder."""

c = get_config()  # noqa: F821 - nbgrader defines it
c.ClearSolutions.code_stub = {"python": "# ^ yours"}  # the line above it holds the three dots
c.Execute.timeout = 120
