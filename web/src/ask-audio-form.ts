/** The form within `<ask-audio>`, made without markup or inline style, so that any content security policy allows it. */

const STYLE = `
:host { display: block; font: inherit }
form { display: grid; gap: 0.75em }
label { display: grid; gap: 0.25em }
label[hidden] { display: none }
input, button { font: inherit; min-height: 44px; box-sizing: border-box; max-width: 100% }
button { justify-self: start; padding: 0 1.25em }
output { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 1.125em; min-height: 1.5em }
progress { inline-size: 100% }
progress[hidden] { display: none }
`;

function make<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<HTMLElementTagNameMap[Name]>,
  ...children: Node[]
): HTMLElementTagNameMap[Name] {
  const element = Object.assign(document.createElement(name), properties);
  element.append(...children);
  return element;
}

/** Named for the page's styles. */
function part<Part extends HTMLElement>(name: string, element: Part): Part {
  element.setAttribute("part", name);
  return element;
}

/** Words that the page may replace. */
function slot(name: string, text: string): HTMLSlotElement {
  return make("slot", { name }, document.createTextNode(text));
}

export function askForm(root: ShadowRoot): AskForm {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];
  return new AskForm(root);
}

export class AskForm {
  onAsk = () => {};
  onFile = () => {};
  readonly #file = part("file", make("input", { type: "file", accept: "audio/*,video/*", required: true }));
  readonly #question = part("question", make("input", { type: "text", required: true, autocomplete: "off" }));
  readonly #button = part("button", make("button", {}, slot("button", "Ask")));
  readonly #progress = make("progress", { max: 1, hidden: true });
  readonly #status = part("status", make("p", { role: "status" }));
  readonly #answer = part("answer", make("output", {}));
  readonly #choice = make("label", {}, slot("file-label", "Sound"), this.#file);

  constructor(root: ShadowRoot) {
    this.#progress.setAttribute("aria-label", "Loading the model");
    const asked = make("label", {}, slot("question-label", "Question"), this.#question);
    const form = make("form", {}, this.#choice, asked, this.#button, this.#status, this.#progress, this.#answer);
    form.onsubmit = (event) => {
      event.preventDefault();
      if (!this.busy) this.onAsk();
    };
    this.#file.onchange = () => this.onFile();
    root.append(form);
  }

  get file(): File | undefined {
    return this.#file.files?.[0];
  }

  get question(): string {
    return this.#question.value;
  }

  set question(text: string) {
    this.#question.value = text;
  }

  /** Whether people choose a file. */
  set chooses(chooses: boolean) {
    this.#choice.hidden = !chooses;
    this.#file.required = chooses;
  }

  get answer(): string {
    return this.#answer.value;
  }

  set answer(text: string) {
    this.#answer.value = text;
  }

  get busy(): boolean {
    return this.#button.getAttribute("aria-disabled") === "true";
  }

  /** A button that is disabled would lose the focus. */
  set busy(busy: boolean) {
    this.#button.setAttribute("aria-disabled", String(busy));
    this.#answer.setAttribute("aria-busy", String(busy));
  }

  /** A line about what is going on, with a bar where its share is known. */
  say(text: string, fraction?: number): void {
    this.#status.textContent = text;
    this.#progress.hidden = fraction === undefined;
    if (fraction !== undefined) this.#progress.value = fraction;
  }
}
