"""Words shown as they come: whole sentences, after the validator, and only where nothing known speaks against sending them."""

from __future__ import annotations

from agent import confidence, policy, validation
from agent.turn.scene import Scene
from agent.validation import Sources


class Preview:
    """One answer's words on their way. Sources are what may be said; nothing is shown after a sentence that may not be."""

    def __init__(self, scene: Scene, sources: Sources) -> None:
        self._scene = scene
        self._sources = sources
        self._text = ""
        self._shown = 0
        self._open = allowed(scene)

    def hear(self, words: str) -> None:
        """More words of the model."""
        if not self._open:
            return
        self._text += words
        upto = self._shown + validation.whole_sentences(self._text[self._shown :])
        if upto <= self._shown:
            return
        checked = validation.check(self._text[:upto], self._sources)
        if checked.problems or checked.transfers or checked.text != self._text[:upto].strip():
            self._open = False
            return
        self._scene.journal.preview(self._shown, self._text[self._shown : upto])
        self._shown = upto


def allowed(scene: Scene) -> bool:
    """True when everything that can be known without the words is in the send band, and the channel can take words back."""
    limits = scene.parts.limits_of(scene.channel)
    if (
        scene.draft
        or scene.waits_for_person
        or not limits.withdraws
        or scene.preface
        or scene.conversation.owner != "agent"
    ):
        return False
    composed = confidence.compose(scene.results, scene.passages, None, (), asks=False, social=False, knows=True)
    return policy.band(composed.score, scene.spec, scene.channel, scene.category, scene.intent) == "send"
