"""It starts a server of its own when it is imported.

limit: start 3
got: nothing for 3 s: the file was still being imported
look at: uvicorn.run(app, port=0)
hint: Whoever imports this file serves it
"""

import uvicorn
from shouting import app

uvicorn.run(app, port=0)
