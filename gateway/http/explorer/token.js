// The token this tab holds, in its field only. A JSON web token says itself until when it holds: shown beside the field.

export class TokenField {
  constructor(field, note, leave, onLeave) {
    this.field = field;
    this.note = note;
    this.leave = leave;
    field.addEventListener("input", () => this.show());
    leave.addEventListener("click", () => {
      this.text = "";
      onLeave();
    });
    setInterval(() => this.show(), 10_000);
    this.show();
  }

  get text() {
    return this.field.value.trim().replace(/^Bearer\s+/i, "");
  }

  set text(value) {
    this.field.value = value;
    this.show();
  }

  show() {
    const until = this.text && expiry(this.text);
    const isOver = Boolean(until) && until <= new Date();
    this.leave.hidden = !this.text;
    this.note.classList.toggle("t-problem", isOver);
    this.note.textContent = !until ? "" : isOver ? "expired, sign in again" : `until ${until.toLocaleTimeString()}`;
  }
}

function expiry(token) {
  try {
    const { exp } = JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));
    return typeof exp === "number" ? new Date(exp * 1000) : null;
  } catch {
    return null;
  }
}
