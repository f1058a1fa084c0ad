"""Units of measure and currencies: their spellings, and conversion between comparable units."""

import re

# One unit per line: its name, its spellings, and its size in a base measure. Units of the same measure are comparable.
_TABLE = """
second: second seconds sec secs = time 1
minute: minute minutes min mins = time 60
hour: hour hours hr hrs h = time 3600
day: day days = time 86400
week: week weeks = time 604800
fortnight: fortnight fortnights = time 1209600
month: month months = months 1
year: year years yr yrs = months 12
decade: decade decades = months 120
mm: mm millimetre millimetres millimeter millimeters = length 0.001
cm: cm centimetre centimetres centimeter centimeters = length 0.01
metre: metre metres meter meters = length 1
km: km kms kilometre kilometres kilometer kilometers = length 1000
inch: inch inches in = inches 1
foot: ft foot feet = inches 12
yard: yard yards yd yds = inches 36
mile: mile miles = inches 63360
mg: mg milligram milligrams = mass 0.001
g: g gram grams gramme grammes = mass 1
kg: kg kgs kilo kilos kilogram kilograms = mass 1000
tonne: tonne tonnes ton tons = mass 1000000
oz: oz ounce ounces = ounces 1
lb: lb lbs = ounces 16
stone: stone = ounces 224
ml: ml millilitre millilitres milliliter milliliters = volume 0.001
litre: litre litres liter liters = volume 1
pint: pint pints = pints 1
gallon: gallon gallons = pints 8
barrel: barrel barrels = barrels 1
mph: mph = mph 1
km/h: km/h kmh kph = km/h 1
acre: acre acres = acres 1
hectare: hectare hectares = hectares 1
kW: kw kilowatt kilowatts = power 1
MW: mw megawatt megawatts = power 1000
GW: gw gigawatt gigawatts = power 1000000
MB: mb megabyte megabytes = bytes 1
GB: gb gigabyte gigabytes = bytes 1000
TB: tb terabyte terabytes = bytes 1000000
times: times time = factor 1
degree: degree degrees = °C 1, °F 1
°C: celsius centigrade = °C 1
°F: fahrenheit = °F 1
$: dollar dollars usd = $ 1
£: sterling gbp = £ 1
pound: pound pounds = £ 1, ounces 16
€: euro euros eur = € 1
¥: = yen 1, yuan 1
yen: yen = yen 1
yuan: yuan renminbi = yuan 1
₹: rupee rupees rs inr = ₹ 1
p: p pence = £ 0.01
c: c cent cents = $ 0.01, € 0.01
crown: crown crowns krona kronor krone kroner = crown 1
franc: franc francs = franc 1
₽: rouble roubles ruble rubles = ₽ 1
rand: rand = rand 1
peso: peso pesos = peso 1
dirham: dirham dirhams = dirham 1
riyal: riyal riyals = riyal 1
naira: naira = naira 1
shilling: shilling shillings = shilling 1
%: = share 0.01
part: = share 1
nth: = ordinal 1, share 1
"""
CURRENCIES = frozenset("$ £ € ¥ ₹ ₽ p c pound yen yuan crown franc rand peso dirham riyal naira shilling".split())
_UNIT_OF: dict[str, str] = {}
# The measures and sizes of each unit.
MEASURES: dict[str, tuple[tuple[str, float], ...]] = {}
for _line in _TABLE.strip().splitlines():
    _name, _, _rest = _line.partition(": ")
    _words, _, _measured = _rest.partition("= ")
    _UNIT_OF |= dict.fromkeys(_words.split(), _name)
    MEASURES[_name] = tuple((_item.split()[0], float(_item.split()[1])) for _item in _measured.split(", "))

# Units only directly after digits; elsewhere they are words or other letters.
_ATTACHED = frozenset({"p", "c", "g", "h", "in"})
_WORD = re.compile(
    r"([\s-]{0,2})(?:(?:more|further|extra|additional|other|full|whole|consecutive|straight|US|Australian|Canadian|"
    r"Hong Kong|Indian|Swiss|Danish|Norwegian|Swedish|Czech)[\s-])?((?:square|cubic|sq)\s)?(km/h|[^\W\d_]+)"
)
_DEGREES = re.compile(r"(?:\s?[°º]|[\s-]degrees?\b)(?:\s?([CF]|(?i:celsius|centigrade|fahrenheit))\b)?|([CF])(?![\w-])")
_OLD = re.compile(r"[\s-]olds?\b")
_AN_HOUR = re.compile(r"\s(?:per|an)\shour\b")
_SIGN_BEFORE = re.compile(r"(?:(?:US|AU?|CA?|HK|NZ)?([$£€¥₹₽])|\b(Rs|INR|USD|EUR|GBP|euros?)\.?)\s?$", re.I)


def unit_before(text: str, start: int) -> tuple[str, int] | None:
    """The currency that ends at `start`, right before a number, and its own start."""
    found = _SIGN_BEFORE.search(text, max(0, start - 6), start)
    return (found[1] or _UNIT_OF[found[2].lower()], found.start()) if found else None


def unit_after(text: str, end: int) -> tuple[str, int] | None:
    """The unit that begins at `end`, right after a number, and its own end."""
    degrees = _DEGREES.match(text, end)
    if degrees:
        scale = degrees[1] or degrees[2]
        return (f"°{'F' if scale[0] in 'Ff' else 'C'}" if scale else "degree"), degrees.end()
    found = _WORD.match(text, end)
    if found is None:
        return None
    gap, power, word = found.groups()
    unit = _UNIT_OF.get(word.lower())
    if unit is None or (gap and word in _ATTACHED):
        return None
    if power:
        return f"square {unit}" if power[0] == "s" else f"cubic {unit}", found.end()
    old = _OLD.match(text, found.end())
    if old:
        return unit, old.end()
    hourly = _AN_HOUR.match(text, found.end()) if unit in ("mile", "km") else None
    return ("mph" if unit == "mile" else "km/h", hourly.end()) if hourly else (unit, found.end())
