"""A page for the browser that shows trained networks at work: `intro-dl page`. Its JavaScript is in web/."""
