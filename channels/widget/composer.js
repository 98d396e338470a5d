const HEADSET = 'M4 14v-2a8 8 0 0 1 16 0v2M4 14h3v5H5a1 1 0 0 1-1-1zM20 14h-3v5h2a1 1 0 0 0 1-1zM19 19c0 2-3 2.5-6 2.5';
const COMPOSING = 229; // Safari

export class Composer {
  element;
  person;
  #input;
  #send;

  constructor({ make, icon }, t, send) {
    this.#input = make('textarea', { rows: 1, placeholder: t.placeholder, 'aria-label': t.placeholder, enterkeyhint: 'send' });
    this.#send = make('button', { class: 'send', 'aria-label': t.send, 'aria-disabled': true }, icon('M12 19V5M6 11l6-6 6 6'));
    const form = make('form', {}, this.#input, this.#send);
    this.person = make('button', { class: 'person', type: 'button' }, icon(HEADSET), t.person);
    this.element = make('div', { class: 'foot' }, form, this.person);
    this.#input.onkeydown = (event) => this.#key(event, form);
    this.#input.oninput = () => this.#fit();
    form.onsubmit = (event) => {
      event.preventDefault();
      this.#submit(send);
    };
    this.person.onclick = () => send(t.askPerson);
  }

  focus() {
    this.#input.focus({ preventScroll: true });
  }

  clear() {
    this.#input.value = '';
    this.#fit();
  }

  #key(event, form) {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === COMPOSING) return;
    event.preventDefault();
    form.requestSubmit();
  }

  #submit(send) {
    send(this.#input.value.trim());
    this.clear();
    this.focus();
  }

  #fit() {
    this.#send.ariaDisabled = !this.#input.value.trim();
    this.#input.dir = this.#input.value && 'auto';
    this.#input.style.blockSize = 'auto';
    this.#input.style.blockSize = `${this.#input.scrollHeight}px`;
  }
}
