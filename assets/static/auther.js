// Small comforts for Auther's pages. Every page works the same without this file.
(function () {
  "use strict";

  function each(selector, act) {
    Array.prototype.forEach.call(document.querySelectorAll(selector), act);
  }

  // Show or hide what is typed into a password field. Hidden again before the form goes out, so that browsers save it as a password.
  each("button[data-reveals]", function (button) {
    var input = document.getElementById(button.getAttribute("data-reveals"));
    if (!input) return;
    function reveal(shown) {
      input.type = shown ? "text" : "password";
      button.textContent = button.getAttribute(shown ? "data-hide" : "data-show");
      button.setAttribute("aria-label", button.getAttribute(shown ? "data-hide-label" : "data-show-label"));
    }
    button.hidden = false;
    button.addEventListener("click", function () {
      reveal(input.type === "password");
      input.focus();
    });
    if (input.form)
      input.form.addEventListener("submit", function () {
        reveal(false);
      });
  });

  // Tell when Caps Lock is on while a password is typed.
  each("[data-caps-of]", function (hint) {
    var input = document.getElementById(hint.getAttribute("data-caps-of"));
    if (!input) return;
    function look(event) {
      if (!event.getModifierState) return;
      var text = event.getModifierState("CapsLock") ? hint.getAttribute("data-text") : "";
      if (hint.textContent !== text) hint.textContent = text;
    }
    input.addEventListener("keydown", look);
    input.addEventListener("keyup", look);
    input.addEventListener("blur", function () {
      hint.textContent = "";
    });
  });

  // Count down until the next try, and hold a form that is sent earlier back until then: what was typed stays.
  each("[data-pause]", function (hint) {
    var form = hint.parentNode;
    while (form && form.tagName !== "FORM") form = form.parentNode;
    var end = Date.now() + 1000 * Number(hint.getAttribute("data-pause"));
    var waits = false;
    function left() {
      return Math.ceil((end - Date.now()) / 1000);
    }
    function look() {
      var seconds = left();
      if (seconds > 0) {
        hint.textContent = seconds === 1 ? hint.getAttribute("data-one") : hint.getAttribute("data-many").replace("#", seconds);
        return window.setTimeout(look, 250);
      }
      hint.setAttribute("role", "status");
      hint.textContent = hint.getAttribute("data-over");
      if (waits && form.requestSubmit) form.requestSubmit();
    }
    if (!form) return;
    form.addEventListener("submit", function (event) {
      if (left() <= 0) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      form.setAttribute("aria-busy", "true");
      waits = true;
    });
    look();
  });

  // One press, one request: a second submit is ignored while the first is under way.
  each("form", function (form) {
    var sent = false;
    function ready() {
      sent = false;
      form.removeAttribute("aria-busy");
    }
    form.addEventListener("submit", function (event) {
      if (sent) return event.preventDefault();
      sent = true;
      form.setAttribute("aria-busy", "true");
      // An app opened by a link of its own leaves this page where it is.
      window.setTimeout(ready, 5000);
    });
    window.addEventListener("pageshow", ready);
  });

  // Copy what stands in a code block or a fact.
  each("button[data-copies]", function (button) {
    var source = document.getElementById(button.getAttribute("data-copies"));
    if (!source || !navigator.clipboard) return;
    var text = button.textContent;
    button.hidden = false;
    button.addEventListener("click", function () {
      navigator.clipboard.writeText(source.textContent.trim()).then(function () {
        button.textContent = button.getAttribute("data-done");
        window.setTimeout(function () {
          button.textContent = text;
        }, 2000);
      });
    });
  });
})();
