from outlast.core.view import job_object


class ViewFile:
    def __init__(self, store, path):
        pass

    def write(self):
        pass


def import_view(store, path):
    pass
