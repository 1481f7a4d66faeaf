"""Writing a program in LLVM's assembly language, one instruction at a time.

A program here is a loop, and what stands before it. Every value knows whether it varies from one turn of the loop to
the next; an instruction whose operands do not vary is written before the loop. So whoever describes a computation
need not say what can be done once: it falls out of where the varying values come in.
"""

from dataclasses import dataclass
from functools import reduce

WORD = "i32"


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the program: how it is written, its type, and whether it varies inside the loop."""

    name: str
    type: str = WORD
    varies: bool = False

    @classmethod
    def number(cls, number: int) -> "Value":
        """Return a constant word."""
        return cls(str(number))


class Writer:
    """Writes instructions before and inside a loop. The same instruction is written only once."""

    def __init__(self) -> None:
        self.before: list[str] = []
        self.inside: list[str] = []
        self.declared: set[str] = set()
        self._known: dict[str, Value] = {}

    def write(self, text: str, of_type: str, *, varies: bool) -> Value:
        """Write an instruction without side effects; return its value."""
        known = self._known.get(text)
        if known is None:
            known = self._known[text] = Value(f"%v{len(self._known)}", of_type, varies)
            (self.inside if varies else self.before).append(f"  {known.name} = {text}")
        return known

    def call(self, name: str, of_type: str, *operands: Value) -> Value:
        """Write a call of one of LLVM's own functions, whose operands all have the type of its result."""
        self.declared.add(f"declare {of_type} @{name}({', '.join([of_type] * len(operands))})")
        given = [self._as(of_type, operand) for operand in operands]
        text = f"call {of_type} @{name}({', '.join(f'{of_type} {value.name}' for value in given)})"
        return self.write(text, of_type, varies=any(value.varies for value in given))

    def add(self, *words: Value) -> Value:
        """Return the sum of the words. Those that do not vary are summed first, once."""
        return reduce(lambda one, other: self._combine("add", one, other), sorted(words, key=lambda word: word.varies))

    def xor(self, *words: Value) -> Value:
        return reduce(lambda one, other: self._combine("xor", one, other), words)

    def both(self, one: Value, other: Value) -> Value:
        """Return the bits that are set in both words."""
        return self._combine("and", one, other)

    def shr(self, word: Value, bits: int) -> Value:
        return self._combine("lshr", word, Value.number(bits))

    def ror(self, word: Value, bits: int) -> Value:
        """Return the word rotated to the right."""
        suffix = word.type if word.type == WORD else f"v{word.type[1:].split()[0]}{WORD}"
        return self.call(f"llvm.fshr.{suffix}", word.type, word, word, Value.number(bits))

    def vector(self, words: list[Value]) -> Value:
        """Return a vector with these words as its elements, the first at index 0."""
        of_type = vector_of(len(words))
        result = Value("poison", of_type)
        for index, word in enumerate(words):
            result = self.put(result, index, word)
        return result

    def put(self, vector: Value, index: int, word: Value) -> Value:
        """Return `vector` with another word at `index`."""
        text = f"insertelement {vector.type} {vector.name}, {WORD} {word.name}, {WORD} {index}"
        return self.write(text, vector.type, varies=vector.varies or word.varies)

    def element(self, vector: Value, index: int) -> Value:
        """Return the word at `index`."""
        text = f"extractelement {vector.type} {vector.name}, {WORD} {index}"
        return self.write(text, WORD, varies=vector.varies)

    def pick(self, one: Value, other: Value, indexes: tuple[int, ...]) -> Value:
        """Return the elements at `indexes` of two vectors laid end to end."""
        mask = f"<{len(indexes)} x {WORD}> <{', '.join(f'{WORD} {index}' for index in indexes)}>"
        text = f"shufflevector {one.type} {one.name}, {other.type} {other.name}, {mask}"
        return self.write(text, vector_of(len(indexes)), varies=one.varies or other.varies)

    def _combine(self, operation: str, one: Value, other: Value) -> Value:
        of_type = one.type if other.type == WORD else other.type
        one, other = self._as(of_type, one), self._as(of_type, other)
        text = f"{operation} {of_type} {one.name}, {other.name}"
        return self.write(text, of_type, varies=one.varies or other.varies)

    def _as(self, of_type: str, value: Value) -> Value:
        if value.type == of_type:
            return value
        if not value.name.startswith("%"):
            return Value(f"splat ({WORD} {value.name})", of_type)
        # Inside, where the processor copies the word into all lanes as it loads it; kept as a vector it would take a
        # register, of which there are too few.
        undefined = f"insertelement {of_type} poison, {WORD} {value.name}, {WORD} 0"
        single = self.write(undefined, of_type, varies=True)
        mask = of_type.replace(">", "> zeroinitializer")
        return self.write(f"shufflevector {of_type} {single.name}, {of_type} poison, {mask}", of_type, varies=True)


def vector_of(lanes: int) -> str:
    """Return the type of a vector of words."""
    return f"<{lanes} x {WORD}>"
