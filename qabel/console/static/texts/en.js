// @ts-check
// The texts in English. Where a number decides about the form, there are two.

export default {
  "nav.label": "Views",
  "nav.chat": "Conversations",
  "nav.requests": "Requests",
  "nav.people": "People",
  "nav.search": "Search",
  "nav.health": "Health",
  "nav.settings": "Settings",
  "badge.chat": { one: "1 unread message", other: "{n} unread messages" },
  "badge.requests": { one: "1 request", other: "{n} requests" },
  "badge.health": { one: "1 problem", other: "{n} problems" },
  skip: "Skip to the content",
  leave: "Log out",
  loading: "Loading …",
  lost: "The daemon does not answer. This page goes on by itself as soon as it does.",
  close: "Close",
  cancel: "Cancel",
  "error.unreachable": "The daemon does not answer. Try again in a moment.",
  "outside.title": "Come in from the terminal",
  "outside.text": "This page belongs to the Qabel daemon on this computer. To open it, run this command as the user whose daemon it is:",
  "ended.title": "This session has ended",
  "ended.text": "Sessions end after 12 hours without use, and when they are revoked. Nothing is lost: to come in again, run",
  "stranger.title": "Something else answers here",
  "stranger.text": "The program on this port is not the daemon with which this session was begun. Nothing was sent to it. It may have taken the port while the daemon was not running. To find out, run",
  "welcome.title": "Welcome to Qabel",
  "welcome.text": "Messages that only you and the people you write to can read. What should they call you?",
  "welcome.name": "Your name",
  "welcome.server": "Drop server",
  "welcome.server.hint": "Messages for you wait on a drop server until you fetch them. It sees neither what they say nor who you are.",
  "welcome.go": "Begin",

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
