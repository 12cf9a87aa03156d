// A part that cannot be drawn, such as of a file that nobody foresaw, says so; the others go on.

import { Component } from "preact";

export class Safe extends Component {
  constructor() {
    super();
    this.state = { broken: "" };
  }

  static getDerivedStateFromError(error) {
    return { broken: error.message || "nobody knows why" };
  }

  componentDidCatch(error) {
    console.error(error);
  }

  render({ children }, { broken }) {
    if (!broken) return children;
    return <p class="refused">This part cannot be drawn: {broken}. Open the page anew to see it.</p>;
  }
}
