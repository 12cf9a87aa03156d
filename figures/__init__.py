"""Tables to pictures, LaTeX and the page; never imports torch."""
