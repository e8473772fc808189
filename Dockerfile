# The image in which a night runs: docker build --tag linear-neuron . ; docs/containers.md has the rest.
# The first stage has pip and builds; the last one gets the finished environment alone.
# The lock's packages are fetched and checked against their hashes; of them the program gets what it needs, and no tools.
FROM python:3.12-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
RUN python -m venv --without-pip /opt/venv
WORKDIR /srv/linear-neuron
# Alone first: as long as the lock stays, this layer does.
COPY requirements.lock ./
RUN pip download --no-deps --require-hashes -r requirements.lock --dest /srv/packages
COPY pyproject.toml README.md LICENSE ./
COPY flows flows
COPY tasks tasks
COPY linear_neuron.py ./
# Without bytecode every start takes two to three times as long, and the user below may write none.
RUN pip --python /opt/venv/bin/python install --no-index --find-links /srv/packages --no-compile --editable '.[remote]' \
    && /opt/venv/bin/python -m compileall -qq -j 0 /opt/venv/lib flows tasks

FROM python:3.12-slim-bookworm
# Nothing of the program may be changed by the user that runs it; it writes below its home alone.
RUN useradd --uid 1000 --create-home neuron
COPY --from=build /opt/venv /opt/venv
COPY --from=build /srv/linear-neuron /srv/linear-neuron
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
WORKDIR /home/neuron
USER neuron
CMD ["linear-neuron", "--help"]
