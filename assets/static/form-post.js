// Sends the only form of the page on its way. Without script, the person presses the button.
document.getElementById("form-post").submit();
