// @ts-check
// Die Texte auf Deutsch.

/** @type {Record<string, import("../texts.js").Text>} */
export default {
  "nav.label": "Ansichten",
  "nav.chat": "Unterhaltungen",
  "nav.requests": "Anfragen",
  "nav.people": "Personen",
  "nav.search": "Suche",
  "nav.health": "Zustand",
  "nav.settings": "Einstellungen",
  "badge.chat": { one: "1 ungelesene Nachricht", other: "{n} ungelesene Nachrichten" },
  "badge.requests": { one: "1 Anfrage", other: "{n} Anfragen" },
  "badge.health": { one: "1 Problem", other: "{n} Probleme" },
  skip: "Zum Inhalt springen",
  leave: "Abmelden",
  loading: "Wird geladen …",
  lost: "Der Dienst antwortet nicht. Diese Seite macht von selbst weiter, sobald er es tut.",
  close: "Schließen",
  cancel: "Abbrechen",
  "error.unreachable": "Der Dienst antwortet nicht. Versuche es gleich noch einmal.",
  "outside.title": "Komm vom Terminal herein",
  "outside.text": "Diese Seite gehört zum Qabel-Dienst auf diesem Rechner. Um sie zu öffnen, führe als der Benutzer, dessen Dienst es ist, diesen Befehl aus:",
  "ended.title": "Diese Sitzung ist beendet",
  "ended.text": "Sitzungen enden, wenn sie 12 Stunden lang nicht benutzt oder wenn sie widerrufen werden. Es ist nichts verloren. Um wieder hereinzukommen, führe aus:",
  "stranger.title": "Hier antwortet etwas anderes",
  "stranger.text": "Das Programm an diesem Port ist nicht der Dienst, mit dem diese Sitzung begonnen wurde. Ihm wurde nichts gesendet. Vielleicht hat es den Port belegt, während der Dienst nicht lief. Um das herauszufinden, führe aus:",
  "welcome.title": "Willkommen bei Qabel",
  "welcome.text": "Nachrichten, die nur du und die Menschen lesen können, denen du schreibst. Wie sollen sie dich nennen?",
  "welcome.name": "Dein Name",
  "welcome.server": "Drop-Server",
  "welcome.server.hint": "Nachrichten an dich warten auf einem Drop-Server, bis du sie abholst. Er sieht weder, was darin steht, noch, wer du bist.",
  "welcome.go": "Los geht’s",

  // chat

  // requests

  // search

  // people

  // health

  // servers

  // sessions

  // backup

  // settings
};
