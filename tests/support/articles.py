"""Articles for tests, long enough to need a model."""

ARTICLE = """The port of Marlow reopened on Monday after a crane fell across its main quay. Nobody was hurt, the harbour master said. Two ships had to wait for nine hours outside the breakwater, and a third turned back to Rundvik.

The crane, built in 1974, was to be replaced next year. Its owner, Marlow Docks Ltd., said that it had been inspected in March and found to be sound. Work to clear the quay took 40 people all night.

“We were lucky,” said Ida Fenn, who runs the port. “At noon there would have been 200 passengers on that quay.” A report on the cause is due in three weeks."""  # noqa: E501

OTHER = """A bakery in Vell has bought the last working windmill in the county, to grind its own flour. The mill stood idle for 11 years. Its new owner, Tom Asker, paid the price of a small car for it, and will spend the summer on its sails.

The county has offered a grant for the roof. Visitors may watch the stones turn from the second week of September, if the wind is willing."""  # noqa: E501
