// A box to search and pick an instrument in: ARIA's combobox with a list.

const plain = (text) => text.toLowerCase().replace(/[^a-z0-9]/g, "");

export class Picker {
  /** @param {(choice: object) => void} onPick is told what was picked */
  constructor(input, list, onPick) {
    Object.assign(this, { input, list, onPick, choices: [], found: [], at: -1, picked: "", searched: "" });
    input.addEventListener("focus", () => this.open(""));
    input.addEventListener("click", () => this.list.hidden && this.open(""));
    input.addEventListener("input", () => this.open(input.value));
    input.addEventListener("blur", () => this.close());
    input.addEventListener("keydown", (event) => this.useKey(event));
    // Before the box loses the focus, which would close the list.
    list.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      const row = event.target.closest("[data-at]");
      if (row) this.pick(Number(row.dataset.at));
    });
  }

  /** Sets what there is, as `{label, ...}`, and which of it is shown. */
  set(choices, picked) {
    this.choices = choices;
    this.picked = picked;
    if (document.activeElement !== this.input) this.input.value = picked;
    // What has come meanwhile can be found as well.
    if (!this.list.hidden) this.search();
  }

  open(searched) {
    if (searched === "") this.input.select();
    this.searched = searched;
    this.at = -1;
    this.list.hidden = false;
    this.input.setAttribute("aria-expanded", "true");
    this.search();
  }

  /** Finds what fits; the row that was chosen stays so. */
  search() {
    const chosen = this.found[this.at]?.label ?? (this.searched === "" ? this.picked : "");
    this.found = this.choices.filter(({ label }) => plain(label).includes(plain(this.searched)));
    const first = this.found.length ? 0 : -1;
    this.at = Math.max(first, this.found.findIndex(({ label }) => label === chosen));
    this.fill();
  }

  fill() {
    const rows = this.found.map(({ label }, index) => {
      const row = document.createElement("li");
      row.id = `instrument-${index}`;
      row.role = "option";
      row.dataset.at = index;
      row.textContent = label;
      row.ariaSelected = String(index === this.at);
      row.classList.toggle("chosen", index === this.at);
      return row;
    });
    if (!rows.length) {
      const none = document.createElement("li");
      none.className = "none";
      none.textContent = "No such instrument in this lake";
      rows.push(none);
    }
    this.list.replaceChildren(...rows);
    if (this.at === -1) this.input.removeAttribute("aria-activedescendant");
    else this.input.setAttribute("aria-activedescendant", `instrument-${this.at}`);
    this.list.querySelector(".chosen")?.scrollIntoView({ block: "nearest" });
  }

  close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
    this.input.value = this.picked;
  }

  pick(index) {
    const choice = this.found[index];
    if (!choice) return;
    this.picked = choice.label;
    this.close();
    this.onPick(choice);
  }

  useKey(event) {
    const { key } = event;
    if (key === "Escape") this.close();
    if (key === "Enter") {
      event.preventDefault();
      if (this.list.hidden) this.open("");
      else this.pick(this.at);
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[key];
    if (!step) return;
    event.preventDefault();
    if (this.list.hidden) return this.open("");
    if (this.found.length) this.at = (this.at + step + this.found.length) % this.found.length;
    this.fill();
  }
}
