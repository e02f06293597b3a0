from hypothesis import settings

# A deadline would measure the machine; a database would write into the checkout.
settings.register_profile("sluice", deadline=None, database=None)
settings.load_profile("sluice")
