from fastapi import FastAPI

app = FastAPI(title="Inventory")


@app.get("/items/{number}")
async def item(number: int):
    return {"number": number}
